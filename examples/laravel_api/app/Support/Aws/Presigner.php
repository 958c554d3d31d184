<?php

namespace App\Support\Aws;

use DateTimeInterface;

/**
 * Signs a URL for S3: AWS Signature Version 4 in the query string. Pure.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
final class Presigner
{
    /**
     * @param  string  $base  scheme and host, no path: https://bucket.s3.us-east-1.amazonaws.com
     * @param  string  $path  as it is, not encoded: /receipts/a b.pdf
     * @param  array<string, string>  $headers  those the client must send exactly so
     * @param  array<string, string>  $query
     * @param  int  $seconds  how long the URL is good for
     */
    public static function url(
        Credentials $credentials,
        string $region,
        string $method,
        string $base,
        string $path,
        array $headers,
        array $query,
        int $seconds,
        DateTimeInterface $now,
    ): string {
        $host = parse_url($base, PHP_URL_HOST).(($port = parse_url($base, PHP_URL_PORT)) ? ":{$port}" : '');
        $headers = ['host' => $host] + array_change_key_case($headers);
        ksort($headers);
        $signed = implode(';', array_keys($headers));
        $time = gmdate('Ymd\THis\Z', $now->getTimestamp());
        $scope = substr($time, 0, 8)."/{$region}/s3/aws4_request";

        $query += [
            'X-Amz-Algorithm' => 'AWS4-HMAC-SHA256',
            'X-Amz-Credential' => "{$credentials->key}/{$scope}",
            'X-Amz-Date' => $time,
            'X-Amz-Expires' => (string) $seconds,
            'X-Amz-SignedHeaders' => $signed,
        ] + ($credentials->token === null ? [] : ['X-Amz-Security-Token' => $credentials->token]);
        ksort($query, SORT_STRING);
        $canonicalQuery = http_build_query($query, '', '&', PHP_QUERY_RFC3986);
        $canonicalPath = implode('/', array_map(rawurlencode(...), explode('/', $path)));

        $canonical = implode("\n", [
            $method,
            $canonicalPath,
            $canonicalQuery,
            ...array_map(fn (string $name): string => $name.':'.trim($headers[$name]), array_keys($headers)),
            '',
            $signed,
            'UNSIGNED-PAYLOAD',
        ]);
        $toSign = implode("\n", ['AWS4-HMAC-SHA256', $time, $scope, hash('sha256', $canonical)]);
        $key = 'AWS4'.$credentials->secret;
        foreach (explode('/', $scope) as $part) {
            $key = hash_hmac('sha256', $part, $key, true);
        }

        return "{$base}{$canonicalPath}?{$canonicalQuery}&X-Amz-Signature=".hash_hmac('sha256', $toSign, $key);
    }
}
