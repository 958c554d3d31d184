<?php

namespace Tests\Feature;

use App\Models\Course;
use App\Models\Receipt;
use Illuminate\Testing\TestResponse;
use Tests\TestCase;

class AcademyTest extends TestCase
{
    public function test_up_looks_at_the_database_and_names_the_release(): void
    {
        $this->get('/up')->assertOk()->assertJson(['status' => 'ok', 'release' => basename(base_path())]);

        config([
            'database.default' => 'gone',
            'database.connections.gone' => ['driver' => 'sqlite', 'database' => '/no/such/file'],
        ]);
        $this->get('/up')->assertStatus(503)->assertJson(['database' => 'down']);
        config(['database.default' => 'sqlite']);
    }

    public function test_migrating_is_enough_to_offer_classes(): void
    {
        $this->getJson('/api/classes')->assertOk()->assertJsonCount(6)->assertJsonPath('0.seats_left', 12);
    }

    public function test_enrolling_reserves_a_seat_and_confirms_it(): void
    {
        $enrolment = $this->enrol()->assertCreated()->json();

        $this->getJson("/api/enrolments/{$enrolment['id']}")
            ->assertOk()
            ->assertJsonPath('balance_cents', 6000)
            ->assertJsonPath('notices.0.body', 'Plaza reservada en Guitarra: primeros acordes para Ana Gil.');
        $this->getJson('/api/classes')->assertJsonPath('0.seats_left', 11);
    }

    public function test_nobody_enrols_twice_or_beyond_the_last_seat(): void
    {
        Course::query()->whereKey(1)->update(['seats' => 1]);
        $this->enrol()->assertCreated();

        $this->enrol(['email' => 'ANA@example.com'])->assertStatus(409)->assertJsonPath('message', 'Ya hay una matrícula con ese correo en esta clase.');
        $this->enrol(['email' => 'eva@example.com'])->assertStatus(409)->assertJsonPath('message', 'La clase está completa.');
    }

    public function test_errors_are_json_in_spanish_with_the_request_id(): void
    {
        $this->enrol(['email' => 'nadie'], ['X-Request-Id' => 'from-nginx-1'])
            ->assertStatus(422)
            ->assertHeader('X-Request-Id', 'from-nginx-1')
            ->assertJson(['request_id' => 'from-nginx-1', 'errors' => ['email' => ['El correo no es válido.']]]);
        $this->get('/api/enrolments/1')->assertNotFound()->assertJsonPath('message', 'No encontrado.');
        $this->get('/api/classes', ['X-Request-Id' => "two\nlines"])->assertHeader('X-Request-Id');
    }

    public function test_a_payment_is_invoiced_and_never_exceeds_the_balance(): void
    {
        $enrolment = $this->enrol()->json('id');
        $this->pay($enrolment, 2500)->assertCreated();
        $this->pay($enrolment, 3501)->assertStatus(409);

        $this->getJson("/api/enrolments/{$enrolment}")->assertJsonPath('balance_cents', 3500);
        $number = date('Y').'-00001';
        $this->assertStringContainsString('Importe: 25,00 €', $this->s3->objects['invoices/'.date('Y')."/{$number}.txt"]);
        $invoice = $this->getJson("/api/enrolments/{$enrolment}")->assertJsonPath('payments.0.invoice.number', $number)->json('payments.0.invoice.id');
        $this->getJson("/api/invoices/{$invoice}/download")->assertOk();
    }

    public function test_a_receipt_goes_to_the_bucket_by_a_signed_url_and_comes_back(): void
    {
        $payment = $this->pay($this->enrol()->json('id'), 2500)->json('id');
        $answer = $this->announce($payment)->assertCreated();
        $url = $answer->json('upload.url');
        $receipt = $answer->json('receipt.id');

        $this->assertStringStartsWith('https://documents.s3.eu-west-1.amazonaws.com/receipts/', $url);
        $this->assertStringContainsString('X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost', $url);
        $this->postJson("/api/receipts/{$receipt}/confirm")->assertStatus(409);
        $this->getJson("/api/receipts/{$receipt}/download")->assertNotFound();

        $this->s3->send('PUT', $url, body: 'other');
        $this->postJson("/api/receipts/{$receipt}/confirm")->assertStatus(409);
        $this->s3->send('PUT', $url, body: '%PDF-1.4');
        $this->postJson("/api/receipts/{$receipt}/confirm")->assertOk()->assertJsonPath('stored', true);
        $this->assertStringContainsString(
            rawurlencode("filename*=UTF-8''".rawurlencode('recibo ñ.pdf')),
            $this->getJson("/api/receipts/{$receipt}/download")->json('url'),
        );
    }

    public function test_the_scheduler_confirms_what_a_closed_browser_could_not(): void
    {
        $payment = $this->pay($this->enrol()->json('id'), 2500)->json('id');
        $this->s3->send('PUT', $this->announce($payment)->json('upload.url'), body: '%PDF-1.4');

        $this->travel(5)->minutes();
        $this->artisan('receipts:reconcile')->expectsOutput('1 receipts confirmed')->assertSuccessful();
        $this->assertNotNull(Receipt::query()->sole()->stored_at);
    }

    public function test_a_receipt_is_a_document_of_a_known_type_and_size(): void
    {
        $payment = $this->pay($this->enrol()->json('id'), 2500)->json('id');

        $this->announce($payment, ['content_type' => 'text/html'])->assertJsonValidationErrors('content_type');
        $this->announce($payment, ['size' => 10 * 1024 * 1024 + 1])->assertJsonValidationErrors('size');
        $this->announce($payment, ['filename' => '../x.pdf'])->assertJsonValidationErrors('filename');
    }

    public function test_the_list_of_payments_is_never_a_formula(): void
    {
        $this->pay($this->enrol(['name' => '=HYPERLINK("x")'])->json('id'), 2500);

        $this->artisan('payments:export', ['--day' => date('Y-m-d')])->assertSuccessful();
        $csv = $this->s3->objects['payments/'.date('Y').'/'.date('Y-m-d').'.csv'];
        $this->assertStringContainsString('"\'=HYPERLINK(""x"")","25.00","transfer"', $csv);
    }

    public function test_only_the_site_may_call_from_a_browser(): void
    {
        foreach (['https://academia.test', 'https://evil.test'] as $origin) {
            $this->get('/api/classes', ['Origin' => $origin])
                ->assertHeader('Access-Control-Allow-Origin', 'https://academia.test');
        }
    }

    private function enrol(array $data = [], array $headers = []): TestResponse
    {
        return $this->postJson('/api/enrolments', $data + ['class_id' => 1, 'name' => 'Ana Gil', 'email' => 'ana@example.com'], $headers);
    }

    private function pay(string $enrolment, int $cents): TestResponse
    {
        return $this->postJson("/api/enrolments/{$enrolment}/payments", [
            'amount_cents' => $cents, 'method' => 'transfer', 'paid_on' => date('Y-m-d'),
        ]);
    }

    private function announce(string $payment, array $data = []): TestResponse
    {
        return $this->postJson("/api/payments/{$payment}/receipts", $data + [
            'filename' => 'recibo ñ.pdf', 'content_type' => 'application/pdf', 'size' => 8,
        ]);
    }
}
