<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Log;
use Illuminate\Support\Str;
use Symfony\Component\HttpFoundation\Response;

/** One id a request, in nginx's log, in ours and in the answer: nginx's if it sent one. */
class AssignRequestId
{
    public function handle(Request $request, Closure $next): Response
    {
        $id = (string) $request->headers->get('X-Request-Id');
        if (! preg_match('/^[A-Za-z0-9-]{8,64}$/', $id)) {
            $id = (string) Str::uuid();
            $request->headers->set('X-Request-Id', $id);
        }
        Log::withContext(['request_id' => $id]);

        $response = $next($request);
        $response->headers->set('X-Request-Id', $id);

        return $response;
    }
}
