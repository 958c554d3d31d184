<?php

namespace Tests\Unit;

use App\Support\Aws\CredentialEndpoint;
use App\Support\Aws\CredentialProvider;
use App\Support\Aws\HttpAnswer;
use App\Support\Aws\HttpClient;
use Illuminate\Cache\ArrayStore;
use Illuminate\Cache\Repository;
use Illuminate\Encryption\Encrypter;
use PHPUnit\Framework\TestCase;
use RuntimeException;

class CredentialProviderTest extends TestCase
{
    public function test_it_asks_the_metadata_service_with_a_token_and_only_once(): void
    {
        $metadata = $this->metadata(lifetime: 3600);
        $provider = $this->provider($metadata);

        $this->assertSame('ASIA', $provider->get()->key);
        $this->assertSame('role-token', $provider->get()->token);
        $this->assertSame([
            'PUT /latest/api/token',
            'GET /latest/meta-data/iam/security-credentials/ with the-token',
            'GET /latest/meta-data/iam/security-credentials/host with the-token',
        ], $metadata->asked);
    }

    public function test_credentials_about_to_end_are_not_kept(): void
    {
        $metadata = $this->metadata(lifetime: 300);
        $provider = $this->provider($metadata);
        $provider->get();
        $provider->get();

        $this->assertCount(6, $metadata->asked);
    }

    public function test_an_instance_without_a_role_is_told_apart(): void
    {
        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('answered 404 to /meta-data/iam/security-credentials/: does the instance have a role?');

        $this->provider($this->metadata(lifetime: 3600, role: false))->get();
    }

    public function test_the_host_s_endpoint_is_asked_with_its_token_and_only_once(): void
    {
        $endpoint = $this->endpoint(200, [
            'AccessKeyId' => 'ASIAAPP',
            'SecretAccessKey' => 'app-secret',
            'Token' => 'app-token',
            'Expiration' => gmdate('Y-m-d\TH:i:s\Z', time() + 3600),
        ]);
        $provider = $this->provider($endpoint, new CredentialEndpoint('http://127.0.0.1:9911/credentials', 'the-token'));

        $this->assertSame('ASIAAPP', $provider->get()->key);
        $this->assertSame('app-token', $provider->get()->token);
        $this->assertSame(['GET http://127.0.0.1:9911/credentials with the-token'], $endpoint->asked);
    }

    public function test_the_endpoint_s_reason_is_told_and_nothing_else_is_asked(): void
    {
        $endpoint = $this->endpoint(503, ['code' => 'NoCredentials', 'message' => 'AWS is away']);

        $this->expectException(RuntimeException::class);
        $this->expectExceptionMessage('The credential endpoint answered 503: AWS is away');

        $this->provider($endpoint, new CredentialEndpoint('http://127.0.0.1:9911/credentials', 'the-token'))->get();
    }

    public function test_the_endpoint_is_found_in_the_environment(): void
    {
        $this->assertNull(CredentialEndpoint::fromEnvironment());
        putenv('AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:9911/credentials');
        putenv('AWS_CONTAINER_AUTHORIZATION_TOKEN=the-token');
        $found = CredentialEndpoint::fromEnvironment();
        putenv('AWS_CONTAINER_CREDENTIALS_FULL_URI');
        putenv('AWS_CONTAINER_AUTHORIZATION_TOKEN');

        $this->assertSame(['http://127.0.0.1:9911/credentials', 'the-token'], [$found->url, $found->token]);
    }

    private function endpoint(int $status, array $answer): HttpClient
    {
        return new class($status, $answer) implements HttpClient
        {
            public array $asked = [];

            public function __construct(private int $status, private array $answer) {}

            public function send(string $method, string $url, array $headers = [], string $body = '', int $timeout = 10): HttpAnswer
            {
                $this->asked[] = "{$method} {$url} with {$headers['Authorization']}";

                return new HttpAnswer($this->status, json_encode($this->answer));
            }
        };
    }

    private function provider(HttpClient $http, ?CredentialEndpoint $endpoint = null): CredentialProvider
    {
        return new CredentialProvider(null, $endpoint, $http, new Repository(new ArrayStore), new Encrypter(str_repeat('k', 16)));
    }

    private function metadata(int $lifetime, bool $role = true): HttpClient
    {
        return new class($lifetime, $role) implements HttpClient
        {
            public array $asked = [];

            public function __construct(private int $lifetime, private bool $role) {}

            public function send(string $method, string $url, array $headers = [], string $body = '', int $timeout = 10): HttpAnswer
            {
                $path = parse_url($url, PHP_URL_PATH);
                $token = $headers['X-aws-ec2-metadata-token'] ?? null;
                $this->asked[] = "{$method} {$path}".($token ? " with {$token}" : '');

                return match (true) {
                    $path === '/latest/api/token' => new HttpAnswer(200, 'the-token'),
                    ! $this->role => new HttpAnswer(404),
                    str_ends_with($path, '/') => new HttpAnswer(200, "host\n"),
                    default => new HttpAnswer(200, json_encode([
                        'Code' => 'Success',
                        'AccessKeyId' => 'ASIA',
                        'SecretAccessKey' => 'role-secret',
                        'Token' => 'role-token',
                        'Expiration' => gmdate('Y-m-d\TH:i:s\Z', time() + $this->lifetime),
                    ])),
                };
            }
        };
    }
}
