<?php

namespace App\Http\Controllers;

use App\Http\Resources\EnrolmentResource;
use App\Jobs\ConfirmEnrolment;
use App\Models\Course;
use App\Models\Enrolment;
use App\Models\Student;
use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Log;

class EnrolmentController
{
    public function store(Request $request): JsonResponse
    {
        $data = $request->validate([
            'class_id' => ['required', 'integer', 'exists:courses,id'],
            'name' => ['required', 'string', 'min:2', 'max:120'],
            'email' => ['required', 'string', 'email', 'max:190'],
            'phone' => ['nullable', 'string', 'max:30', 'regex:/^[0-9 +().-]{6,30}$/'],
        ]);

        $enrolment = DB::transaction(function () use ($data): Enrolment {
            // The lock makes the count of seats true until we commit.
            $course = Course::query()->lockForUpdate()->findOrFail($data['class_id']);
            $student = Student::query()->firstOrCreate(
                ['email' => mb_strtolower($data['email'])],
                ['name' => $data['name'], 'phone' => $data['phone'] ?? null],
            );
            abort_if($course->enrolments()->whereBelongsTo($student)->exists(), 409, 'Ya hay una matrícula con ese correo en esta clase.');
            abort_if($course->enrolments()->count() >= $course->seats, 409, 'La clase está completa.');

            return $course->enrolments()->create(['student_id' => $student->id]);
        });
        ConfirmEnrolment::dispatch($enrolment);
        Log::info('Enrolment made', ['enrolment' => $enrolment->id, 'class' => $enrolment->course_id]);

        return $this->show($enrolment)->response()->setStatusCode(201);
    }

    public function show(Enrolment $enrolment): EnrolmentResource
    {
        return new EnrolmentResource(
            $enrolment->load('course', 'student', 'payments.receipts', 'payments.invoice', 'notices')
        );
    }
}
