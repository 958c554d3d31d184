<?php

// The API renders no view; `artisan optimize` of Laravel 12 and newer compiles them all the same.
return [
    'paths' => [resource_path('views')],
    'compiled' => storage_path('framework/views'),
];
