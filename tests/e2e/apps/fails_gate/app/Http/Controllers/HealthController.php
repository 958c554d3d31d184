<?php

namespace App\Http\Controllers;

use RuntimeException;

class HealthController
{
    public function __invoke(): never
    {
        throw new RuntimeException('this release fails its gate');
    }
}
