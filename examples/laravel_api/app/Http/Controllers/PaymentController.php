<?php

namespace App\Http\Controllers;

use App\Http\Resources\PaymentResource;
use App\Jobs\IssueInvoice;
use App\Models\Enrolment;
use App\Models\Payment;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Log;

class PaymentController
{
    public function store(Request $request, Enrolment $enrolment): JsonResponse
    {
        $data = $request->validate([
            'amount_cents' => ['required', 'integer', 'min:1', 'max:10000000'],
            'method' => ['required', 'string', 'in:'.implode(',', Payment::METHODS)],
            'reference' => ['nullable', 'string', 'max:80'],
            'paid_on' => ['required', 'date_format:Y-m-d', 'before_or_equal:tomorrow'],
        ]);

        $payment = DB::transaction(function () use ($data, $enrolment): Payment {
            $locked = Enrolment::query()->lockForUpdate()->findOrFail($enrolment->id);
            abort_if($data['amount_cents'] > $locked->balanceCents(), 409, 'El importe supera lo que queda por pagar.');

            return $locked->payments()->create($data);
        });
        IssueInvoice::dispatch($payment);
        Log::info('Payment registered', ['payment' => $payment->id, 'enrolment' => $enrolment->id]);

        return (new PaymentResource($payment->load('receipts', 'invoice')))->response()->setStatusCode(201);
    }
}
