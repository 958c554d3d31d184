<?php

namespace App\Console\Commands;

use App\Models\Payment;
use App\Support\DocumentStore;
use Illuminate\Console\Command;
use Illuminate\Support\Carbon;

/** The day's payments as CSV in the documents bucket, for whoever keeps the books. */
class ExportPayments extends Command
{
    protected $signature = 'payments:export {--day= : the day to export, YYYY-MM-DD (default: yesterday)}';

    protected $description = 'Write a day\'s payments to the documents bucket';

    public function handle(DocumentStore $documents): int
    {
        $day = $this->option('day') ? Carbon::createFromFormat('Y-m-d', $this->option('day')) : Carbon::yesterday();
        $lines = ['pago,clase,alumno,importe,medio,referencia'];
        $payments = Payment::query()
            ->with('enrolment.course', 'enrolment.student')
            ->whereDate('paid_on', $day->toDateString());
        foreach ($payments->lazyById() as $payment) {
            $lines[] = implode(',', array_map($this->cell(...), [
                $payment->id,
                $payment->enrolment->course->name,
                $payment->enrolment->student->name,
                number_format($payment->amount_cents / 100, 2, '.', ''),
                $payment->method,
                (string) $payment->reference,
            ]));
        }
        $key = "payments/{$day->format('Y')}/{$day->toDateString()}.csv";
        $documents->put($key, implode("\r\n", $lines)."\r\n", 'text/csv; charset=utf-8');
        $this->line(sprintf('%s: %d payments', $key, count($lines) - 1));

        return self::SUCCESS;
    }

    /** Quoted, and never a formula: spreadsheets run what begins with = + - @. */
    private function cell(string $value): string
    {
        if (preg_match('/^[=+\-@\t\r]/', $value)) {
            $value = "'".$value;
        }

        return '"'.str_replace('"', '""', $value).'"';
    }
}
