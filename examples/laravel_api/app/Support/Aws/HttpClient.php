<?php

namespace App\Support\Aws;

interface HttpClient
{
    /**
     * @param  array<string, string>  $headers
     * @param  int  $timeout  seconds for the whole exchange
     *
     * @throws \RuntimeException when no answer comes
     */
    public function send(string $method, string $url, array $headers = [], string $body = '', int $timeout = 10): HttpAnswer;
}
