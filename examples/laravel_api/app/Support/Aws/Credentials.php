<?php

namespace App\Support\Aws;

use SensitiveParameter;

final class Credentials
{
    public function __construct(
        public readonly string $key,
        #[SensitiveParameter] public readonly string $secret,
        #[SensitiveParameter] public readonly ?string $token = null,
    ) {}
}
