<?php

return [
    'before_or_equal' => 'La fecha no puede ser posterior a hoy.',
    'date_format' => 'La fecha no es válida.',
    'email' => 'El correo no es válido.',
    'exists' => 'No existe.',
    'in' => 'No se admite ese valor.',
    'integer' => 'Debe ser un número entero.',
    'max' => [
        'numeric' => 'No puede ser mayor que :max.',
        'string' => 'No puede tener más de :max letras.',
    ],
    'min' => [
        'numeric' => 'Debe ser :min o más.',
        'string' => 'Debe tener :min letras o más.',
    ],
    'regex' => 'No es válido.',
    'required' => 'Es obligatorio.',
    'string' => 'Debe ser un texto.',
];
