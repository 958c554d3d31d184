<?php

namespace App\Http\Resources;

use App\Models\Notice;
use Illuminate\Http\Request;
use Illuminate\Http\Resources\Json\JsonResource;

/** @mixin \App\Models\Enrolment */
class EnrolmentResource extends JsonResource
{
    public function toArray(Request $request): array
    {
        return [
            'id' => $this->id,
            'class' => new CourseResource($this->course),
            'student' => ['name' => $this->student->name, 'email' => $this->student->email],
            'balance_cents' => $this->balanceCents(),
            'payments' => PaymentResource::collection($this->payments),
            'notices' => $this->notices->map(fn (Notice $notice): array => [
                'body' => $notice->body,
                'created_at' => $notice->created_at->toIso8601String(),
            ]),
            'created_at' => $this->created_at->toIso8601String(),
        ];
    }
}
