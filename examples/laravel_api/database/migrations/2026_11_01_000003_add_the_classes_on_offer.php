<?php

use Database\Seeders\CourseSeeder;
use Illuminate\Database\Migrations\Migration;

return new class extends Migration
{
    public function up(): void
    {
        (new CourseSeeder)->run();
    }
};
