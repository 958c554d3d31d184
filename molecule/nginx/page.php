<?php
usleep(1000 * (int) ($_GET['ms'] ?? 0));
echo json_encode(['release' => basename(dirname(__DIR__)), 'master' => posix_getppid()]);
