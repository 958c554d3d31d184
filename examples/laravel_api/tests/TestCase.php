<?php

namespace Tests;

use App\Support\Aws\HttpClient;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\HandleExceptions;
use Illuminate\Foundation\Testing\RefreshDatabase;
use Illuminate\Foundation\Testing\TestCase as BaseTestCase;

/** The application on an empty database with its classes, and an S3 that is a list in memory. */
abstract class TestCase extends BaseTestCase
{
    use RefreshDatabase;

    protected FakeS3 $s3;

    public function createApplication(): Application
    {
        $app = require __DIR__.'/../bootstrap/app.php';
        $app->make(Kernel::class)->bootstrap();

        return $app;
    }

    protected function setUp(): void
    {
        parent::setUp();
        $this->s3 = new FakeS3;
        $this->app->instance(HttpClient::class, $this->s3);
    }

    protected function tearDown(): void
    {
        parent::tearDown();
        // Laravel 10 leaves its handlers behind, which newer PHPUnits call risky.
        if (! method_exists(HandleExceptions::class, 'flushHandlersState')) {
            restore_error_handler();
            restore_exception_handler();
        }
    }
}
