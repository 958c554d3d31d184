<?php

use Illuminate\Database\Migrations\Migration;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Support\Facades\Schema;

return new class extends Migration
{
    public function up(): void
    {
        Schema::create('courses', function (Blueprint $table): void {
            $table->id();
            $table->string('slug', 60)->unique();
            $table->string('name', 120);
            $table->string('teacher', 120);
            $table->string('schedule', 120);
            $table->unsignedSmallInteger('seats');
            $table->unsignedInteger('fee_cents');
            $table->timestamps();
        });
        Schema::create('students', function (Blueprint $table): void {
            $table->id();
            $table->string('name', 120);
            $table->string('email', 190)->unique();
            $table->string('phone', 30)->nullable();
            $table->timestamps();
        });
        Schema::create('enrolments', function (Blueprint $table): void {
            $table->ulid('id')->primary();
            $table->foreignId('course_id')->constrained();
            $table->foreignId('student_id')->constrained();
            $table->timestamps();
            $table->unique(['course_id', 'student_id']);
        });
        Schema::create('payments', function (Blueprint $table): void {
            $table->ulid('id')->primary();
            $table->foreignUlid('enrolment_id')->constrained();
            $table->unsignedInteger('amount_cents');
            $table->string('method', 20);
            $table->string('reference', 80)->nullable();
            $table->date('paid_on')->index();
            $table->timestamps();
        });
        Schema::create('receipts', function (Blueprint $table): void {
            $table->ulid('id')->primary();
            $table->foreignUlid('payment_id')->constrained();
            $table->string('key', 190)->unique();
            $table->string('filename', 190);
            $table->string('content_type', 60);
            $table->unsignedInteger('size');
            $table->timestamp('stored_at')->nullable();
            $table->timestamps();
            $table->index(['stored_at', 'created_at']);
        });
        Schema::create('invoices', function (Blueprint $table): void {
            $table->ulid('id')->primary();
            $table->foreignUlid('payment_id')->unique()->constrained();
            $table->string('series', 10);
            $table->unsignedInteger('sequence');
            $table->timestamp('issued_at')->nullable();
            $table->timestamps();
            $table->unique(['series', 'sequence']);
        });
        Schema::create('notices', function (Blueprint $table): void {
            $table->id();
            $table->foreignUlid('enrolment_id')->constrained();
            $table->string('subject', 60);
            $table->string('body', 500);
            $table->timestamps();
            $table->unique(['enrolment_id', 'subject']);
        });
    }

    public function down(): void
    {
        foreach (['notices', 'invoices', 'receipts', 'payments', 'enrolments', 'students', 'courses'] as $table) {
            Schema::dropIfExists($table);
        }
    }
};
