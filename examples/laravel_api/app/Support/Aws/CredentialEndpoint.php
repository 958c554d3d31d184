<?php

namespace App\Support\Aws;

use SensitiveParameter;

/**
 * Where the host tells its application to ask for credentials, by the names that the AWS SDKs know.
 *
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
final class CredentialEndpoint
{
    public function __construct(
        public readonly string $url,
        #[SensitiveParameter] public readonly string $token,
    ) {}

    /** From the process' environment, not the configuration: a cached one would keep the token. */
    public static function fromEnvironment(): ?self
    {
        $url = (string) getenv('AWS_CONTAINER_CREDENTIALS_FULL_URI');

        return $url === '' ? null : new self($url, (string) getenv('AWS_CONTAINER_AUTHORIZATION_TOKEN'));
    }
}
