<?php

namespace App\Support\Aws;

use RuntimeException;

final class CurlClient implements HttpClient
{
    public function send(string $method, string $url, array $headers = [], string $body = '', int $timeout = 10): HttpAnswer
    {
        $curl = curl_init($url);
        curl_setopt_array($curl, [
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_NOBODY => $method === 'HEAD',
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CONNECTTIMEOUT => min($timeout, 3),
            CURLOPT_TIMEOUT => $timeout,
            CURLOPT_HTTPHEADER => array_map(
                fn (string $name, string $value): string => "{$name}: {$value}",
                array_keys($headers),
                $headers,
            ),
        ]);
        if ($method === 'PUT' || $method === 'POST') {
            curl_setopt($curl, CURLOPT_POSTFIELDS, $body);
        }
        $answer = curl_exec($curl);
        if ($answer === false) {
            // Without the query, which carries a signature.
            throw new RuntimeException("{$method} ".strtok($url, '?').': '.curl_error($curl));
        }
        $length = (int) curl_getinfo($curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD);

        return new HttpAnswer(
            curl_getinfo($curl, CURLINFO_RESPONSE_CODE),
            (string) $answer,
            $length >= 0 ? $length : null,
        );
    }
}
