<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Concerns\HasUlids;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;

class Invoice extends Model
{
    use HasUlids;

    public const TYPE = 'text/plain; charset=utf-8';

    protected $casts = ['sequence' => 'integer', 'issued_at' => 'datetime'];

    public function payment(): BelongsTo
    {
        return $this->belongsTo(Payment::class);
    }

    public function number(): string
    {
        return sprintf('%s-%05d', $this->series, $this->sequence);
    }

    public function key(): string
    {
        return "invoices/{$this->series}/{$this->number()}.txt";
    }
}
