<?php

namespace App\Models;

use App\Support\DocumentStore;
use Illuminate\Database\Eloquent\Concerns\HasUlids;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;

class Receipt extends Model
{
    use HasUlids;

    protected $fillable = ['filename', 'content_type', 'size'];

    protected $casts = ['size' => 'integer', 'stored_at' => 'datetime'];

    public function payment(): BelongsTo
    {
        return $this->belongsTo(Payment::class);
    }

    /** True when the bucket holds the file that was announced; asked once, then remembered. */
    public function confirm(DocumentStore $documents): bool
    {
        if ($this->stored_at === null && $documents->size($this->key) === $this->size) {
            $this->stored_at = now();
            $this->save();
        }

        return $this->stored_at !== null;
    }
}
