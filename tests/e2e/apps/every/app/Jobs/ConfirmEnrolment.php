<?php

namespace App\Jobs;

use App\Models\Enrolment;
use App\Models\Notice;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Bus\Dispatchable;
use Illuminate\Queue\InteractsWithQueue;
use Illuminate\Queue\SerializesModels;

/** As the example's, and keeps count: one that was begun twice, or never ended, shows in the list. */
class ConfirmEnrolment implements ShouldQueue
{
    use Dispatchable, InteractsWithQueue, Queueable, SerializesModels;

    public int $tries = 5;

    public array $backoff = [10, 60, 300];

    public function __construct(public Enrolment $enrolment) {}

    public function handle(): void
    {
        $this->note('begun');
        // Long enough to be cut off by whoever doesn't wait for it.
        usleep(50_000);
        Notice::query()->firstOrCreate(
            ['enrolment_id' => $this->enrolment->id, 'subject' => 'enrolment'],
            ['body' => "Plaza reservada en {$this->enrolment->course->name} para {$this->enrolment->student->name}."],
        );
        $this->note('done');
    }

    private function note(string $what): void
    {
        file_put_contents(storage_path('app/jobs.txt'), "$what {$this->enrolment->id}\n", FILE_APPEND | LOCK_EX);
    }
}
