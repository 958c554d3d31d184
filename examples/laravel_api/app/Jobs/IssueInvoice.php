<?php

namespace App\Jobs;

use App\Models\Invoice;
use App\Models\Notice;
use App\Models\Payment;
use App\Support\DocumentStore;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;
use Illuminate\Queue\SerializesModels;
use Illuminate\Support\Facades\DB;

/** Numbers the invoice once, then writes it: a retry writes the same bytes under the same key. */
class IssueInvoice implements ShouldQueue
{
    use Dispatchable, InteractsWithQueue, Queueable, SerializesModels;

    public int $tries = 5;

    public array $backoff = [10, 60, 300];

    public function __construct(public Payment $payment) {}

    public function handle(DocumentStore $documents): void
    {
        $invoice = $this->payment->invoice ?? $this->number();
        $documents->put($invoice->key(), $this->text($invoice), Invoice::TYPE);
        $invoice->issued_at ??= now();
        $invoice->save();

        Notice::query()->firstOrCreate(
            ['enrolment_id' => $this->payment->enrolment_id, 'subject' => "invoice {$invoice->id}"],
            ['body' => "Factura {$invoice->number()} emitida por {$this->euros()}."],
        );
    }

    private function number(): Invoice
    {
        return DB::transaction(function (): Invoice {
            $series = $this->payment->created_at->format('Y');
            $last = Invoice::query()->where('series', $series)->lockForUpdate()->max('sequence');
            $invoice = new Invoice;
            $invoice->payment_id = $this->payment->id;
            $invoice->series = $series;
            $invoice->sequence = (int) $last + 1;
            $invoice->save();

            return $invoice;
        }, 3);
    }

    private function text(Invoice $invoice): string
    {
        $enrolment = $this->payment->enrolment;

        return implode("\n", [
            config('app.name'),
            "Factura {$invoice->number()}",
            '',
            "Fecha: {$this->payment->paid_on->format('d/m/Y')}",
            "Alumno: {$enrolment->student->name} <{$enrolment->student->email}>",
            "Concepto: {$enrolment->course->name}",
            "Importe: {$this->euros()}",
            '',
        ]);
    }

    private function euros(): string
    {
        return number_format($this->payment->amount_cents / 100, 2, ',', '.').' €';
    }
}
