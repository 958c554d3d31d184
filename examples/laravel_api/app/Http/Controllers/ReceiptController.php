<?php

namespace App\Http\Controllers;

use App\Http\Resources\ReceiptResource;
use App\Models\Payment;
use App\Models\Receipt;
use App\Support\DocumentStore;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;

/** The file goes from the browser straight to the bucket and back; the API only signs and checks. */
class ReceiptController
{
    public function store(Request $request, Payment $payment, DocumentStore $documents): JsonResponse
    {
        $types = config('documents.types');
        $data = $request->validate([
            'filename' => ['required', 'string', 'max:190', 'regex:#^[^/\\\\\x00-\x1f]+$#u'],
            'content_type' => ['required', 'string', 'in:'.implode(',', array_keys($types))],
            'size' => ['required', 'integer', 'min:1', 'max:'.config('documents.max_bytes')],
        ]);
        $receipt = new Receipt($data);
        $receipt->id = $receipt->newUniqueId();
        $receipt->key = "receipts/{$payment->enrolment_id}/{$receipt->id}.{$types[$data['content_type']]}";
        $payment->receipts()->save($receipt);

        return response()->json([
            'receipt' => new ReceiptResource($receipt),
            'upload' => $documents->uploadUrl($receipt->key, $receipt->content_type, $receipt->size),
        ], 201);
    }

    public function confirm(Receipt $receipt, DocumentStore $documents): ReceiptResource
    {
        abort_unless($receipt->confirm($documents), 409, 'El justificante todavía no ha llegado.');

        return new ReceiptResource($receipt);
    }

    public function download(Receipt $receipt, DocumentStore $documents): JsonResponse
    {
        abort_unless($receipt->stored_at !== null, 404);

        return response()->json($documents->downloadUrl($receipt->key, $receipt->filename, $receipt->content_type));
    }
}
