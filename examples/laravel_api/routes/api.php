<?php

use App\Http\Controllers\CourseController;
use App\Http\Controllers\EnrolmentController;
use App\Http\Controllers\InvoiceController;
use App\Http\Controllers\PaymentController;
use App\Http\Controllers\ReceiptController;
use Illuminate\Support\Facades\Route;

Route::get('/classes', [CourseController::class, 'index']);
Route::get('/enrolments/{enrolment}', [EnrolmentController::class, 'show']);
Route::get('/receipts/{receipt}/download', [ReceiptController::class, 'download']);
Route::get('/invoices/{invoice}/download', [InvoiceController::class, 'download']);

Route::middleware('throttle:writes')->group(function (): void {
    Route::post('/enrolments', [EnrolmentController::class, 'store']);
    Route::post('/enrolments/{enrolment}/payments', [PaymentController::class, 'store']);
    Route::post('/payments/{payment}/receipts', [ReceiptController::class, 'store']);
    Route::post('/receipts/{receipt}/confirm', [ReceiptController::class, 'confirm']);
});
