<?php

namespace App\Console;

use Illuminate\Console\Scheduling\Schedule;
use Illuminate\Foundation\Console\Kernel as ConsoleKernel;

class Kernel extends ConsoleKernel
{
    protected function schedule(Schedule $schedule): void
    {
        $schedule->command('receipts:reconcile')->everyMinute()->withoutOverlapping(10);
        $schedule->command('payments:export')->dailyAt('02:10');
    }

    protected function commands(): void
    {
        $this->load(__DIR__.'/Commands');
    }
}
