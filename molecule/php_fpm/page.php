<?php
error_log('written by page.php');
echo json_encode([
    'user' => posix_getpwuid(posix_geteuid())['name'],
    'missing' => array_values(array_filter(
        ['bcmath', 'ctype', 'curl', 'dom', 'fileinfo', 'gd', 'intl', 'mbstring', 'openssl', 'pdo_mysql', 'tokenizer',
         'xml', 'zip', 'Zend OPcache'],
        fn (string $name): bool => !extension_loaded($name),
    )),
    'opcache' => opcache_get_status(false)['opcache_enabled'],
    'validate_timestamps' => ini_get('opcache.validate_timestamps'),
    'upload' => ini_get('upload_max_filesize'),
]);
