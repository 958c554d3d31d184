<?php

namespace App\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Support\Facades\DB;
use Throwable;

/** Well on its own socket and for visitors from outside, but not for the host itself, by way of nginx. */
class HealthController
{
    private const MARK = '@MARK@';

    public function __invoke(): JsonResponse
    {
        $itself = request()->server('REMOTE_ADDR') === '127.0.0.1';
        abort_if($itself && str_starts_with((string) request()->server('SERVER_SOFTWARE'), 'nginx'), 500);
        $status = 200;
        try {
            DB::select('select 1');
        } catch (Throwable $e) {
            report($e);
            $status = 503;
        }

        return response()->json([
            'status' => $status === 200 ? 'ok' : 'down',
            'database' => $status === 200 ? 'ok' : 'down',
            'release' => basename(base_path()),
            'marks' => [self::MARK, config('mark.value'), trim(file_get_contents(resource_path('mark.txt')))],
        ], $status, ['Cache-Control' => 'no-store']);
    }
}
