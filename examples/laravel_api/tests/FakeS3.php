<?php

namespace Tests;

use App\Support\Aws\HttpAnswer;
use App\Support\Aws\HttpClient;

/** As the role sees the bucket: it may not list, so what isn't there is a 403. */
final class FakeS3 implements HttpClient
{
    /** @var array<string, string> key and content */
    public array $objects = [];

    public function send(string $method, string $url, array $headers = [], string $body = '', int $timeout = 10): HttpAnswer
    {
        $key = ltrim(rawurldecode((string) parse_url($url, PHP_URL_PATH)), '/');
        if ($method === 'PUT') {
            $this->objects[$key] = $body;

            return new HttpAnswer(200);
        }

        return isset($this->objects[$key])
            ? new HttpAnswer(200, length: strlen($this->objects[$key]))
            : new HttpAnswer(403);
    }
}
