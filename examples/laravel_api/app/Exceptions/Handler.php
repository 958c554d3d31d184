<?php

namespace App\Exceptions;

use Illuminate\Foundation\Exceptions\Handler as ExceptionHandler;
use Illuminate\Http\JsonResponse;
use Illuminate\Validation\ValidationException;
use Symfony\Component\HttpKernel\Exception\HttpExceptionInterface;
use Throwable;

/** Every error is JSON: {message, errors?, request_id}. */
class Handler extends ExceptionHandler
{
    private const MESSAGES = [
        404 => 'No encontrado.',
        405 => 'Método no permitido.',
        429 => 'Demasiadas peticiones. Prueba dentro de un minuto.',
        503 => 'En mantenimiento. Prueba dentro de unos minutos.',
    ];

    protected function shouldReturnJson($request, Throwable $e): bool
    {
        return true;
    }

    protected function invalidJson($request, ValidationException $exception): JsonResponse
    {
        return response()->json([
            'message' => 'Revisa los datos.',
            'errors' => $exception->errors(),
            'request_id' => $request->headers->get('X-Request-Id'),
        ], $exception->status);
    }

    protected function convertExceptionToArray(Throwable $e): array
    {
        $status = $e instanceof HttpExceptionInterface ? $e->getStatusCode() : 500;
        $message = self::MESSAGES[$status] ?? ($status < 500 ? $e->getMessage() : 'Error interno.');

        return [
            'message' => $message,
            'request_id' => request()->headers->get('X-Request-Id'),
        ] + (config('app.debug') ? parent::convertExceptionToArray($e) : []);
    }
}
