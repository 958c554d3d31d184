<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\HasMany;

/** A class of the academy; `class` is a reserved word. */
class Course extends Model
{
    protected $casts = ['seats' => 'integer', 'fee_cents' => 'integer'];

    public function enrolments(): HasMany
    {
        return $this->hasMany(Enrolment::class);
    }
}
