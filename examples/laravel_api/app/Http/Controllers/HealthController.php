<?php

namespace App\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Support\Facades\DB;
use Throwable;

/** Green when the application boots and its database answers; says which release is speaking. */
class HealthController
{
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
        ], $status, ['Cache-Control' => 'no-store']);
    }
}
