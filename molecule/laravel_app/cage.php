<?php

// Notes what the application's code can reach, once for each unit that runs it: storage/app/cage-<unit>.json.
(static function (): void {
    $release = dirname(__DIR__, 3);
    $words = $GLOBALS['argv'] ?? [];
    $unit = match (true) {
        PHP_SAPI === 'fpm-fcgi' => 'fpm',
        ($words[0] ?? '') === 'vendor/acme/cage/cage.php' => 'composer',
        default => ['queue:work' => 'worker', 'schedule:run' => 'scheduler'][$words[1] ?? ''] ?? 'artisan',
    };
    $report = "$release/storage/app/cage-$unit.json";
    if (is_file($report)) {
        return;
    }
    $folders = [$release, "$release/app", '/srv', '/srv/laravel/shared', '/etc', '/var/lib', '/usr/local/lib'];
    // A deploy's own work has these two.
    if (! in_array($unit, ['composer', 'artisan'], true)) {
        $folders[] = "$release/bootstrap/cache";
    }
    if ($unit !== 'composer') {
        $folders[] = "$release/vendor";
    }
    $written = array_filter($folders, fn (string $folder): bool => @file_put_contents("$folder/cage-$unit", 'x') !== false);
    $listed = array_filter(['/home', '/root'], fn (string $folder): bool => @scandir($folder) !== false);
    $own = file_get_contents('/proc/self/cgroup');
    $entered = array_filter(
        glob('/proc/[0-9]*'),
        fn (string $process): bool => @file_get_contents("$process/cgroup") !== $own && @scandir("$process/root/srv"),
    );
    preg_match_all('/^(\w+):\s+(\S+)/m', file_get_contents('/proc/self/status'), $status);
    $status = array_combine($status[1], $status[2]);
    file_put_contents($report, json_encode([
        'user' => posix_getpwuid(posix_geteuid())['name'],
        'reached' => array_values([...$written, ...$listed, ...array_map(fn ($one) => $one.' '.@file_get_contents("$one/comm"), $entered)]),
        'capabilities' => ltrim($status['CapEff'].$status['CapBnd'].$status['CapPrm'], '0'),
        'no_new_privileges' => $status['NoNewPrivs'],
        'filtered' => $status['Seccomp'],
    ]));
})();
