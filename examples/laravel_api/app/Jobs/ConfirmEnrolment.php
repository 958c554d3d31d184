<?php

namespace App\Jobs;

use App\Models\Enrolment;
use App\Models\Notice;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;
use Illuminate\Queue\SerializesModels;

class ConfirmEnrolment implements ShouldQueue
{
    use Dispatchable, InteractsWithQueue, Queueable, SerializesModels;

    public int $tries = 5;

    public array $backoff = [10, 60, 300];

    public function __construct(public Enrolment $enrolment) {}

    public function handle(): void
    {
        Notice::query()->firstOrCreate(
            ['enrolment_id' => $this->enrolment->id, 'subject' => 'enrolment'],
            ['body' => "Plaza reservada en {$this->enrolment->course->name} para {$this->enrolment->student->name}."],
        );
    }
}
