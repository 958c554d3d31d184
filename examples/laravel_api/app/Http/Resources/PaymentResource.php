<?php

namespace App\Http\Resources;

use Illuminate\Http\Request;
use Illuminate\Http\Resources\Json\JsonResource;

/** @mixin \App\Models\Payment */
class PaymentResource extends JsonResource
{
    public function toArray(Request $request): array
    {
        return [
            'id' => $this->id,
            'amount_cents' => $this->amount_cents,
            'method' => $this->method,
            'reference' => $this->reference,
            'paid_on' => $this->paid_on->toDateString(),
            'receipts' => ReceiptResource::collection($this->receipts->whereNotNull('stored_at')->values()),
            'invoice' => $this->invoice?->issued_at === null ? null : [
                'id' => $this->invoice->id,
                'number' => $this->invoice->number(),
            ],
        ];
    }
}
