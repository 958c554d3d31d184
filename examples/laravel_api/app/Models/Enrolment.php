<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Concerns\HasUlids;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\HasMany;

/** Its id can't be guessed: whoever has the link sees the enrolment, and nobody else does. */
class Enrolment extends Model
{
    use HasUlids;

    protected $fillable = ['student_id'];

    public function course(): BelongsTo
    {
        return $this->belongsTo(Course::class);
    }

    public function student(): BelongsTo
    {
        return $this->belongsTo(Student::class);
    }

    public function payments(): HasMany
    {
        return $this->hasMany(Payment::class)->orderBy('id');
    }

    public function notices(): HasMany
    {
        return $this->hasMany(Notice::class)->orderBy('id');
    }

    public function balanceCents(): int
    {
        return $this->course->fee_cents - (int) $this->payments()->sum('amount_cents');
    }
}
