<?php
header('X-Request-ID: the-applications-own');
usleep(1000 * (int) ($_GET['ms'] ?? 0));
echo json_encode(['release' => basename(dirname(__DIR__)), 'master' => posix_getppid()]);
