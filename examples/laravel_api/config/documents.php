<?php

return [
    'bucket' => env('DOCUMENTS_BUCKET', ''),
    'region' => env('AWS_DEFAULT_REGION', 'us-east-1'),
    // Set only for an S3 look-alike in development; AWS is found by the bucket's own name.
    'endpoint' => env('AWS_ENDPOINT_URL_S3'),
    'credentials' => [
        'key' => env('AWS_ACCESS_KEY_ID'),
        'secret' => env('AWS_SECRET_ACCESS_KEY'),
        'token' => env('AWS_SESSION_TOKEN'),
    ],
    'max_bytes' => 10 * 1024 * 1024,
    'types' => [
        'application/pdf' => 'pdf',
        'image/jpeg' => 'jpg',
        'image/png' => 'png',
    ],
];
