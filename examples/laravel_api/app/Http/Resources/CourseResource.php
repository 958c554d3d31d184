<?php

namespace App\Http\Resources;

use Illuminate\Http\Request;
use Illuminate\Http\Resources\Json\JsonResource;

/** @mixin \App\Models\Course */
class CourseResource extends JsonResource
{
    public function toArray(Request $request): array
    {
        return [
            'id' => $this->id,
            'name' => $this->name,
            'teacher' => $this->teacher,
            'schedule' => $this->schedule,
            'fee_cents' => $this->fee_cents,
            'seats' => $this->seats,
            'seats_left' => $this->whenCounted('enrolments', fn (): int => max(0, $this->seats - $this->enrolments_count)),
        ];
    }
}
