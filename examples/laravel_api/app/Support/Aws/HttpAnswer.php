<?php

namespace App\Support\Aws;

final class HttpAnswer
{
    /** @param  int|null  $length  the Content-Length it states, in bytes */
    public function __construct(
        public readonly int $status,
        public readonly string $body = '',
        public readonly ?int $length = null,
    ) {}
}
