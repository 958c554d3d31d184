<?php

namespace App\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Support\Facades\DB;
use Throwable;

/** As the example's, and tells by its marks whether code, cached settings and files are of one release. */
class HealthController
{
    private const MARK = '@MARK@';

    public function __invoke(): JsonResponse
    {
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
