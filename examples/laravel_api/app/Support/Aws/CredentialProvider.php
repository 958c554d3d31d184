<?php

namespace App\Support\Aws;

use DateTimeImmutable;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Contracts\Encryption\Encrypter;
use RuntimeException;

/**
 * The credentials that were configured, else those of the application's own role, which the host
 * gives it, else those of the EC2 instance's.
 *
 * The metadata service wants a session token first (IMDSv2). A role's credentials are kept,
 * encrypted, in the cache until ten minutes before they end, so that a URL signed with them
 * lives its whole life.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
 */
final class CredentialProvider
{
    private const METADATA = 'http://169.254.169.254/latest';

    private const CACHE_KEY = 'aws-credentials';

    private const MARGIN_SECONDS = 600;

    public function __construct(
        private readonly ?Credentials $configured,
        private readonly ?CredentialEndpoint $endpoint,
        private readonly HttpClient $http,
        private readonly Cache $cache,
        private readonly Encrypter $encrypter,
    ) {}

    public function get(): Credentials
    {
        if ($this->configured !== null) {
            return $this->configured;
        }
        $kept = $this->cache->get(self::CACHE_KEY);
        $role = is_string($kept) ? $this->encrypter->decrypt($kept) : $this->ask();

        return new Credentials($role['AccessKeyId'], $role['SecretAccessKey'], $role['Token']);
    }

    /** @return array{AccessKeyId: string, SecretAccessKey: string, Token: string} */
    private function ask(): array
    {
        $answer = $this->endpoint ? $this->ofTheApplication($this->endpoint) : $this->ofTheInstance();
        $role = array_intersect_key($answer, array_flip(['AccessKeyId', 'SecretAccessKey', 'Token']));
        if (count($role) !== 3) {
            throw new RuntimeException('There are no credentials of a role: '.($answer['Code'] ?? 'no reason given'));
        }
        $seconds = (new DateTimeImmutable($answer['Expiration']))->getTimestamp() - time() - self::MARGIN_SECONDS;
        if ($seconds > 0) {
            $this->cache->put(self::CACHE_KEY, $this->encrypter->encrypt($role), $seconds);
        }

        return $role;
    }

    /** @return array<string, string> */
    private function ofTheApplication(CredentialEndpoint $endpoint): array
    {
        $answer = $this->http->send('GET', $endpoint->url, ['Authorization' => $endpoint->token], timeout: 2);
        $said = (array) json_decode($answer->body, true);
        if ($answer->status !== 200) {
            throw new RuntimeException("The credential endpoint answered {$answer->status}: ".($said['message'] ?? 'no reason given'));
        }

        return $said;
    }

    /** @return array<string, string> */
    private function ofTheInstance(): array
    {
        $token = $this->metadata('PUT', '/api/token', ['X-aws-ec2-metadata-token-ttl-seconds' => '60']);
        $header = ['X-aws-ec2-metadata-token' => $token];
        $name = trim($this->metadata('GET', '/meta-data/iam/security-credentials/', $header));

        return json_decode(
            $this->metadata('GET', "/meta-data/iam/security-credentials/{$name}", $header),
            true,
            flags: JSON_THROW_ON_ERROR,
        );
    }

    /** @param  array<string, string>  $headers */
    private function metadata(string $method, string $path, array $headers): string
    {
        $answer = $this->http->send($method, self::METADATA.$path, $headers, timeout: 2);
        if ($answer->status !== 200) {
            throw new RuntimeException("The metadata service answered {$answer->status} to {$path}: does the instance have a role?");
        }

        return $answer->body;
    }
}
