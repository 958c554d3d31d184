<?php

/*
 * Run in a release's folder: php app.php '{"commands": ["config:cache"], "migrations": true, "unlock": false}'
 *
 * "unlock" lets go of the lock of `migrate --isolated`, which a migration that was killed leaves for an hour.
 * One start of the framework for several artisan commands; their output goes on, and the last line is JSON:
 * {"known": [...], "ran": [...]}, the release's migrations and those that the database has run.
 */

use Illuminate\Console\CacheCommandMutex;
use Illuminate\Console\CommandMutex;
use Illuminate\Contracts\Console\Kernel;
use Symfony\Component\Console\Output\StreamOutput;

$wanted = json_decode($argv[1], true, flags: JSON_THROW_ON_ERROR);
$_SERVER['argv'] = ['artisan'];

define('LARAVEL_START', microtime(true));
require getcwd().'/vendor/autoload.php';
$app = require getcwd().'/bootstrap/app.php';
$kernel = $app->make(Kernel::class);
$output = new StreamOutput(STDOUT, decorated: false);

try {
    $kernel->bootstrap();
    if ($wanted['unlock']) {
        $mutex = $app->make($app->bound(CommandMutex::class) ? CommandMutex::class : CacheCommandMutex::class);
        $mutex->forget($kernel->all()['migrate']);
    }
    foreach ($wanted['commands'] as $command) {
        echo "artisan $command\n";
        if ($kernel->call($command, ['--no-interaction' => true], $output) !== 0) {
            echo "artisan $command failed\n";
            exit(1);
        }
    }
    $answer = ['known' => [], 'ran' => []];
    if ($wanted['migrations']) {
        $migrator = $app->make('migrator');
        $folders = array_merge([$app->databasePath('migrations')], $migrator->paths());
        $answer['known'] = array_keys($migrator->getMigrationFiles($folders));
        if ($migrator->repositoryExists()) {
            $answer['ran'] = array_values($migrator->getRepository()->getRan());
        }
    }
} catch (Throwable $error) {
    echo get_class($error).': '.$error->getMessage()."\n";
    exit(1);
}

echo "\n".json_encode($answer, JSON_THROW_ON_ERROR)."\n";
