<?php
usleep(1000 * (int) ($_GET['ms'] ?? 0));
error_log('written by page.php');
echo json_encode([
    'release' => basename(dirname(__DIR__)),
    'master' => posix_getppid(),
    'user' => posix_getpwuid(posix_geteuid())['name'],
    'missing' => array_values(array_filter(
        ['bcmath', 'ctype', 'curl', 'dom', 'fileinfo', 'gd', 'intl', 'mbstring', 'openssl', 'pdo_mysql', 'tokenizer',
         'xml', 'zip', 'Zend OPcache'],
        fn (string $name): bool => !extension_loaded($name),
    )),
    'opcache' => opcache_get_status(false)['opcache_enabled'],
    'validate_timestamps' => ini_get('opcache.validate_timestamps'),
    'preloaded' => class_exists('Preloaded'),
    'upload' => ini_get('upload_max_filesize'),
    'max_input_vars' => ini_get('max_input_vars'),
]);
