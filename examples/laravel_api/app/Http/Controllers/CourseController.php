<?php

namespace App\Http\Controllers;

use App\Http\Resources\CourseResource;
use App\Models\Course;
use Illuminate\Http\Resources\Json\AnonymousResourceCollection;

class CourseController
{
    public function index(): AnonymousResourceCollection
    {
        return CourseResource::collection(Course::query()->withCount('enrolments')->orderBy('id')->get());
    }
}
