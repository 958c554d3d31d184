<?php

namespace App\Support;

use App\Support\Aws\CredentialProvider;
use App\Support\Aws\HttpClient;
use App\Support\Aws\Presigner;
use Illuminate\Support\Carbon;
use RuntimeException;

/**
 * The private bucket of documents, under three prefixes: receipts/, invoices/ and payments/.
 *
 * Browsers and the API itself reach it the same way, by URLs signed for one request.
 * The role may Get and Put there, and nothing else: without ListBucket S3 answers 403, not 404,
 * for an object that isn't there.
 */
final class DocumentStore
{
    private const UPLOAD_SECONDS = 600;

    private const DOWNLOAD_SECONDS = 300;

    public function __construct(
        private readonly string $bucket,
        private readonly string $region,
        private readonly ?string $endpoint,
        private readonly CredentialProvider $credentials,
        private readonly HttpClient $http,
    ) {}

    /**
     * Where a browser may PUT exactly this many bytes of this type.
     *
     * @return array{method: string, url: string, headers: array<string, string>, expires_at: string}
     */
    public function uploadUrl(string $key, string $type, int $bytes): array
    {
        // Browsers set Content-Length themselves; as it is signed, S3 refuses another size.
        $signed = ['content-type' => $type, 'content-length' => (string) $bytes];

        return [
            'method' => 'PUT',
            'url' => $this->sign('PUT', $key, self::UPLOAD_SECONDS, $signed),
            'headers' => ['Content-Type' => $type],
            'expires_at' => Carbon::now()->addSeconds(self::UPLOAD_SECONDS)->toIso8601String(),
        ];
    }

    /** @return array{url: string, expires_at: string} */
    public function downloadUrl(string $key, string $filename, string $type): array
    {
        $query = [
            'response-content-disposition' => "attachment; filename*=UTF-8''".rawurlencode($filename),
            'response-content-type' => $type,
        ];

        return [
            'url' => $this->sign('GET', $key, self::DOWNLOAD_SECONDS, [], $query),
            'expires_at' => Carbon::now()->addSeconds(self::DOWNLOAD_SECONDS)->toIso8601String(),
        ];
    }

    /** @throws RuntimeException when S3 doesn't take it */
    public function put(string $key, string $body, string $type): void
    {
        $url = $this->sign('PUT', $key, 60, ['content-type' => $type]);
        $answer = $this->http->send('PUT', $url, ['Content-Type' => $type], $body, 30);
        if ($answer->status !== 200) {
            throw $this->refused('PUT', $key, $answer->status, $answer->body);
        }
    }

    /** Bytes stored under the key, or null when there is nothing. */
    public function size(string $key): ?int
    {
        $answer = $this->http->send('HEAD', $this->sign('HEAD', $key, 60));

        return match ($answer->status) {
            200 => $answer->length,
            403, 404 => null,
            default => throw $this->refused('HEAD', $key, $answer->status, $answer->body),
        };
    }

    /**
     * @param  array<string, string>  $headers
     * @param  array<string, string>  $query
     */
    private function sign(string $method, string $key, int $seconds, array $headers = [], array $query = []): string
    {
        if ($this->bucket === '') {
            throw new RuntimeException('DOCUMENTS_BUCKET is not set: there is nowhere to keep documents.');
        }
        [$base, $path] = $this->endpoint
            ? [rtrim($this->endpoint, '/'), "/{$this->bucket}/{$key}"]
            : ["https://{$this->bucket}.s3.{$this->region}.amazonaws.com", "/{$key}"];

        return Presigner::url(
            $this->credentials->get(), $this->region, $method, $base, $path, $headers, $query, $seconds, Carbon::now(),
        );
    }

    private function refused(string $method, string $key, int $status, string $body): RuntimeException
    {
        preg_match('#<Code>([A-Za-z]+)</Code>#', $body, $code);

        return new RuntimeException("S3 answered {$status} ".($code[1] ?? '')." to {$method} {$this->bucket}/{$key}.");
    }
}
