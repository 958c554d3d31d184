<?php

require __DIR__.'/../vendor/autoload.php';

// Composer knows Tests\ by autoload-dev; a release built without it doesn't.
spl_autoload_register(static function (string $class): void {
    $file = __DIR__.'/'.strtr(substr($class, strlen('Tests\\')), '\\', '/').'.php';
    if (str_starts_with($class, 'Tests\\') && is_file($file)) {
        require $file;
    }
});
