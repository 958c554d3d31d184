<?php

namespace App\Console\Commands;

use App\Models\Receipt;
use App\Support\DocumentStore;
use Illuminate\Console\Command;

/** A browser may upload and then be closed before it says so: look in the bucket ourselves. */
class ReconcileReceipts extends Command
{
    protected $signature = 'receipts:reconcile';

    protected $description = 'Confirm receipts whose upload nobody confirmed';

    public function handle(DocumentStore $documents): int
    {
        $confirmed = 0;
        $pending = Receipt::query()
            ->whereNull('stored_at')
            ->whereBetween('created_at', [now()->subDay(), now()->subMinute()]);
        foreach ($pending->lazyById() as $receipt) {
            $confirmed += $receipt->confirm($documents) ? 1 : 0;
        }
        $this->line("{$confirmed} receipts confirmed");

        return self::SUCCESS;
    }
}
