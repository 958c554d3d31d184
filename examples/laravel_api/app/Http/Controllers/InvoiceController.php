<?php

namespace App\Http\Controllers;

use App\Models\Invoice;
use App\Support\DocumentStore;
use Illuminate\Http\JsonResponse;

class InvoiceController
{
    public function download(Invoice $invoice, DocumentStore $documents): JsonResponse
    {
        abort_unless($invoice->issued_at !== null, 404);

        return response()->json($documents->downloadUrl($invoice->key(), "factura-{$invoice->number()}.txt", Invoice::TYPE));
    }
}
