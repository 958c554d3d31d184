<?php

namespace Tests\Unit;

use App\Support\Aws\Credentials;
use App\Support\Aws\Presigner;
use DateTimeImmutable;
use PHPUnit\Framework\TestCase;

class PresignerTest extends TestCase
{
    /** The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
    public function test_it_signs_the_example_of_the_documentation(): void
    {
        $url = Presigner::url(
            new Credentials('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'),
            'us-east-1', 'GET', 'https://examplebucket.s3.amazonaws.com', '/test.txt', [], [], 86400,
            new DateTimeImmutable('2013-05-24T00:00:00Z'),
        );

        $this->assertSame(
            'https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256'
            .'&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request'
            .'&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host'
            .'&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
            $url,
        );
    }

    public function test_it_signs_what_must_be_sent_and_who_signs(): void
    {
        $url = Presigner::url(
            new Credentials('AK', 'secret', 'a/token='), 'eu-west-1', 'PUT', 'http://localhost:5000', '/b/ñ x.pdf',
            ['Content-Type' => 'application/pdf', 'content-length' => '7'], [], 60, new DateTimeImmutable('@0'),
        );

        $this->assertStringStartsWith('http://localhost:5000/b/%C3%B1%20x.pdf?', $url);
        $this->assertStringContainsString('&X-Amz-Security-Token=a%2Ftoken%3D&', $url);
        $this->assertStringContainsString('&X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost&', $url);
    }
}
