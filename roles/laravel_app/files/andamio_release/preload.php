<?php

/*
 * opcache.preload: run once when a release's PHP-FPM starts. Compiles the files that its list names, so that
 * their classes are there without an autoloader. Only files that hold one class of the file's own name are
 * taken: such a file is loaded by an autoloader, and never by a `require` of somebody's, which would then
 * find the class taken.
 */

(static function (): void {
    $list = getenv('ANDAMIO_PRELOAD');
    foreach ($list && is_file($list) ? file($list, FILE_IGNORE_NEW_LINES) : [] as $file) {
        if (! is_file($file)) {
            continue;
        }
        $code = file_get_contents($file);
        $one = preg_match_all('/^(?:abstract |final |readonly )*(?:class|interface|trait|enum) +(\w+)/m', $code, $found) === 1;
        if ($one && $found[1][0] === basename($file, '.php') && ! preg_match('/^function /m', $code)) {
            @opcache_compile_file($file);
        }
    }
})();
