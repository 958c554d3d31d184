<?php

namespace App\Providers;

use App\Support\Aws\CredentialEndpoint;
use App\Support\Aws\CredentialProvider;
use App\Support\Aws\Credentials;
use App\Support\Aws\CurlClient;
use App\Support\Aws\HttpClient;
use App\Support\DocumentStore;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Contracts\Encryption\Encrypter;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Http\Resources\Json\JsonResource;
use Illuminate\Support\ServiceProvider;

class AppServiceProvider extends ServiceProvider
{
    public function register(): void
    {
        $this->app->bind(HttpClient::class, CurlClient::class);
        $this->app->singleton(CredentialProvider::class, function (Application $app): CredentialProvider {
            $given = config('documents.credentials');

            return new CredentialProvider(
                $given['key'] ? new Credentials($given['key'], (string) $given['secret'], $given['token']) : null,
                CredentialEndpoint::fromEnvironment(),
                $app->make(HttpClient::class),
                $app->make(Cache::class),
                $app->make(Encrypter::class),
            );
        });
        $this->app->singleton(DocumentStore::class, fn (Application $app): DocumentStore => new DocumentStore(
            (string) config('documents.bucket'),
            config('documents.region'),
            config('documents.endpoint'),
            $app->make(CredentialProvider::class),
            $app->make(HttpClient::class),
        ));
    }

    public function boot(): void
    {
        JsonResource::withoutWrapping();
    }
}
