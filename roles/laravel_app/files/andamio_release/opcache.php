<?php

/*
 * Asked through a release's own PHP-FPM, on its private socket: nginx never runs this file.
 * GET: {"files": [...], "status": {...}}, what this PHP-FPM has compiled.
 * POST: a JSON list of files to compile, before a visitor has to wait for that.
 */

header('Content-Type: application/json');

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $compiled = 0;
    foreach (json_decode(file_get_contents('php://input'), true, flags: JSON_THROW_ON_ERROR) as $file) {
        if (! opcache_is_script_cached($file) && @opcache_compile_file($file)) {
            $compiled++;
        }
    }
    echo json_encode(['compiled' => $compiled]);

    return;
}

$status = opcache_get_status(true);
$files = array_merge(array_keys($status['scripts'] ?? []), $status['preload_statistics']['scripts'] ?? []);
unset($status['scripts']);
echo json_encode(['files' => array_values(array_unique($files)), 'status' => $status]);
