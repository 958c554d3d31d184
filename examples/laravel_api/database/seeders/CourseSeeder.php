<?php

namespace Database\Seeders;

use Illuminate\Database\Seeder;
use Illuminate\Support\Facades\DB;

/** The classes on offer, by slug: run twice, nothing doubles. */
class CourseSeeder extends Seeder
{
    private const COURSES = [
        ['guitarra-inicial', 'Guitarra: primeros acordes', 'Lucía Ferrer', 'Lunes y miércoles, 17:00', 12, 6000],
        ['piano-a-cuatro-manos', 'Piano a cuatro manos', 'Hugo Salas', 'Martes, 18:30', 8, 8500],
        ['dibujo-del-natural', 'Dibujo del natural', 'Inés Robledo', 'Viernes, 19:00', 15, 5500],
        ['ceramica-torno', 'Cerámica: el torno', 'Omar Vidal', 'Sábados, 10:00', 10, 9500],
        ['ingles-conversacion', 'Inglés: conversación', 'Mary Quinn', 'Jueves, 20:00', 20, 4500],
        ['robotica-juvenil', 'Robótica juvenil', 'Nerea Otero', 'Sábados, 12:00', 16, 7000],
    ];

    public function run(): void
    {
        foreach (self::COURSES as [$slug, $name, $teacher, $schedule, $seats, $fee]) {
            DB::table('courses')->updateOrInsert(['slug' => $slug], [
                'name' => $name,
                'teacher' => $teacher,
                'schedule' => $schedule,
                'seats' => $seats,
                'fee_cents' => $fee,
            ]);
        }
    }
}
