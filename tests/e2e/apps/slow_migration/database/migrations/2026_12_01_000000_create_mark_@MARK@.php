<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        // Time enough to look at the host, or to take it away.
        sleep(5);
        Schema::create('mark_@MARK@', fn (Blueprint $table) => $table->id());
    }
};
